"""Motor: execution. Orders live here from approval to their end, and nothing else talks to the venue."""
