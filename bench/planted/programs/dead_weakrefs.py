"""Observers are held weakly, but the references stay in the list when the observers are gone."""

import json
import weakref

from traffic import Traffic


class Observer:
    def __init__(self, order):
        self.order = order


class Subject:
    def __init__(self):
        self.observers = []
        self.gone = 0

    def attach(self, observer):
        def forget(_reference):  # leak
            self.gone += 1

        self.observers.append(weakref.ref(observer, forget))  # leak


def main():
    subject = Subject()
    for request in Traffic(per_second=40):
        order = json.loads(request.body)
        for _ in range(5):
            subject.attach(Observer(order))  # leak
    print(f"{len(subject.observers)} references, {subject.gone} of them dead")


if __name__ == "__main__":
    main()
