"""Brain: forecasts and target exposure. What the funded strategies say, in which regime, blended how."""
