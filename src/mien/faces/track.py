"""Stand-in."""
class Tracker:
    def __call__(self, boxes, scores, time):
        return list(range(len(boxes)))
