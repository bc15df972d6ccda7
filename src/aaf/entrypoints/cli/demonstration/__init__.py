"""What `aaf demo` plays: a server process of its own, the story, and the transcript. No part of it is used by anything else."""
