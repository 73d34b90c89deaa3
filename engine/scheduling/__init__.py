"""What runs next, and when: jobs, the queue, lanes and their threads."""
