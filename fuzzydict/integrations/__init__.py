"""Tables, tool calls, plots and Dask."""
