"""The journal: what the body did, in order, in a form that can be proven and replayed."""
