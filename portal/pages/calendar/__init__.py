"""The page of the blackout calendar."""
