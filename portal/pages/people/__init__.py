"""Sign-in, invitations, one's own account, and the people of the organization."""
