"""Use cases, one public function each, with explicit keyword dependencies; await ports only."""
