"""What the demonstration needs beside the product itself."""
