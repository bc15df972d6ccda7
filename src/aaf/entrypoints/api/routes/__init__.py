"""The routes, one subject each: read the request, call one service, shape the answer."""
