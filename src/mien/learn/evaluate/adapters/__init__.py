"""Tables of other tools: ``schema`` defines what their columns mean, ``files`` and ``tables`` read them."""
