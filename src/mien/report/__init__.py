"""One HTML file of a table: timelines, heat map, peaks, thumbnails."""
