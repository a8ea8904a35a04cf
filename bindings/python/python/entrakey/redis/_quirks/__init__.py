"""What is known of the insides of client packages: walks through frames, looks at types, methods that are replaced."""
