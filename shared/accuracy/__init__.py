"""How accurate each operation of training is: errors in units of the last place, and whether rounding explains them."""
