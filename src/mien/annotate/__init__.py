"""From pictures to a table: inputs -> media -> pipeline -> schema -> store, and the overlays of draw."""
