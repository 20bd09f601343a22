"""Text -> links: mentions are found, entities ranked as wholes, sure ones linked, and what that is written as."""
