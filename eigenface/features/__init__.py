"""Features as plain functions on arrays: grey pixels, gradients, textures, colour, red pixels."""
