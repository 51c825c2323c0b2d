"""The CPU exporter: what each process of an instance's pod uses, against what the pod requests.

It sees them through the pod's shared process namespace and reads `/proc` itself: one small file for each process and
scrape. It holds no token and asks nobody.
"""
