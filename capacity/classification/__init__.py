"""Classes of games by the CPU that they really use, one fleet for each class, and how many fit on a node.

The method of an article on CPU for cloud gaming with Agones: measure each game by process against what its pod
requests, sort the games into few classes, give each class a fleet.
"""
