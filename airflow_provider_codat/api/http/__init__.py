"""One exchange with Codat: a request, what is done about its answer, how fast."""
