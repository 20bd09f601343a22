"""Millions of documents, in shards, on one machine or a cluster: `tripel link --bulk`."""
