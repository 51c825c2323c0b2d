"""Who a player is and what it may do: tokens of three kinds, and tickets that stand for them."""
