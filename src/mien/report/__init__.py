"""Reports a table as one HTML file: timelines, heat map, peaks, thumbnails."""
