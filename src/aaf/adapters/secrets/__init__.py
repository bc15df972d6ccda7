"""Where credentials come from: one provider a file. Each gives a value by its handle, at the moment it is needed, and keeps it out of everything else."""
