"""Pickles a class of __main__ and finds it again."""

import pickle
import sys


class Order:
    def __init__(self, number):
        self.number = number


print(pickle.loads(pickle.dumps(Order(5))).number, sys.modules["__main__"].Order is Order)
print(Order.__module__, sys.modules[Order.__module__].__file__ == __file__)
