"""An index in a folder: its rows, made, searched, folded into entities, brought up to date: `tripel index`."""
