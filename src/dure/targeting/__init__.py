"""Who will come, who will come because of a message, and why: scores that are learned from the network's own holdouts."""
