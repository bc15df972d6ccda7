"""How results of policy tests are told: as text, as JSON, as JUnit XML. Nothing is run here."""
