"""Gold and predictions -> scores. Predictions lie in files between linking and judging, ours or anybody's."""
