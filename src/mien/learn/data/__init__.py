"""From folders of pictures and labels to mixed, masked batches."""
