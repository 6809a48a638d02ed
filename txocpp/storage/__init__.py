"""What survives a restart. Providers of the store interfaces; SQL lives nowhere else."""
