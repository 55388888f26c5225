"""Tables that other tools write: ``schema`` says what their columns mean, ``files`` and ``tables`` read them."""
