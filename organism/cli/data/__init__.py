"""`organism data …`: history that lies in the lake. Each sub-command has its own file."""
