"""Wrong answers to lesson 10, each with a part of the message meant for it; code only where PyTorch is installed."""

from importlib.util import find_spec

WRONG = [
    ("10.1", None, "not answered"),
    ("10.1", 0, "zero_grad() does"),
    ("10.1", -18, "one backward()"),
    ("10.1", 36, "sign"),
    ("10.1", -12, "the 3"),
    ("10.1", 324, "not multiplied"),
    ("10.1", "minus 36", "expected a number"),
    ("10.2", None, "not answered"),
    ("10.2", (0, 0), "zero"),
    ("10.2", (69, 70), "keras comes first"),
    ("10.2", (71, 70), "middle row"),
    ("10.2", (72, 71), "after the last one"),
    ("10.2", (70, 70), "margin"),
    ("10.2", (70,), "shape"),
    ("10.4", None, "not answered"),
    ("10.4", "a", "very bits"),
    ("10.4", "c", "how layers behave"),
    ("10.4", "d", "last bit"),
    ("10.4", 2, "one of the letters"),
]


def step(zero=True, softmax=False, train=True, order="zbs", item=True, late=False):
    """A train_step with slips: z zero_grad, b backward, s step."""

    def train_step(model, x, y, optimizer):
        from torch.nn.functional import cross_entropy

        if train:
            model.train()
        logits = model(x).softmax(1) if softmax else model(x)
        loss = cross_entropy(logits, y)
        for letter in order if zero else order.replace("z", ""):
            {"z": optimizer.zero_grad, "b": loss.backward, "s": optimizer.step}[letter]()
        loss = cross_entropy(model(x), y) if late else loss
        return loss.item() if item else loss

    return train_step


if find_spec("torch"):
    WRONG += [
        ("10.3", None, "not answered"),
        ("10.3", lambda *a: None, "returns nothing"),
        ("10.3", 3, "expected a function"),
        ("10.3", step(zero=False), "old gradient was still"),
        ("10.3", step(order="bzs"), "did not move"),
        ("10.3", step(order="zb"), "did not move"),
        ("10.3", step(order="sb"), "along an old gradient"),
        ("10.3", step(softmax=True), "no softmax"),
        ("10.3", step(item=False), "plain number"),
        ("10.3", step(train=False), "eval mode"),
        ("10.3", step(late=True), "after the step"),
        ("10.3", lambda model, x, y, optimizer: model.fit(x), "AttributeError"),
    ]
