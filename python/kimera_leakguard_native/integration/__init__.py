"""What joins the guardian, the engines and a host: health of components, recovery, rollout."""
