"""Files of text with mentions: fetched, unpacked, read, checked, counted, converted: `tripel data`."""
