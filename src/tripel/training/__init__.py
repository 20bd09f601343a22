"""Learning: batches of clusters and wrong entities, the loop, its checkpoints and its journal."""
