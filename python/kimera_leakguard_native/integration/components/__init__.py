"""Components by what they offer, and what that says of their health."""
