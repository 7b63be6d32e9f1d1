"""The registry endpoint, ``https://<account>.dkr.ecr.<region>.amazonaws.com/v2/``, for image clients.

Above the backend, beside the API's operations. Only ``wsgi`` knows how requests arrive at a server.
"""
