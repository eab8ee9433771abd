"""Checks of lesson 10, PyTorch by hand. PyTorch loads only where a check runs the learner's code."""

import numpy as np

from helpers.exercises import array, call, choice, number


def _accumulated_gradient(answer) -> str:
    return number(
        answer,
        -36,
        {
            -18: "That is one backward(). The second one adds its own to it.",
            36: "The size is right. The loss falls as w grows from 1: what sign has the slope?",
            18: "That is one backward(), and with the wrong sign.",
            -12: "Do not forget the 3: the slope of 3w - 6 by w. It multiplies.",
            -6: "That is 2u for one backward(). Times the slope of 3w - 6, and then twice.",
            0: "backward() sets nothing to zero; zero_grad() does, and nobody called it.",
            9: "That is the loss, not its slope.",
            324: "The two gradients are added, not multiplied.",
        },
    )


def _last_window(answer) -> str:
    slips = {
        "Keras comes first, then PyTorch.": (69, 70),
        "That is the window after the last one: 36 windows have the numbers 0 to 35.": (72, 71),
        "That is the middle row of each window, not the first.": (71, 70),
        "Row 72 is not there: that is where Keras' window hangs over the end. With which row does it begin?": (
            72,
            70,
        ),
        "Then both would see the same windows. PyTorch puts a row of margin before row 0.": (
            70,
            70,
        ),
        "That is PyTorch's window for both. Keras begins at row 0 where the number of rows is even.": (
            69,
            69,
        ),
        "That is without the stride of 2.": (35, 34),
    }
    return array(answer, (70, 69), slips)


def _train_step(answer) -> str:
    try:
        import torch
    except ImportError:
        return "Install PyTorch first: pip install -r requirements-torch.txt"
    torch.manual_seed(np.random.default_rng().integers(1_000_000))
    x, y = torch.randn(6, 5), torch.tensor([0, 1, 2, 0, 1, 2])
    model, stale = _little_model(torch), torch.randn(3, 5)
    model[
        1
    ].weight.grad = stale.clone()  # left from an earlier batch: a step without zero_grad adds to it
    before = model[1].weight.detach().clone()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    right = torch.autograd.grad(loss, model[1].weight)[0]
    twice = torch.autograd.grad(
        torch.nn.functional.cross_entropy(model(x).softmax(1), y), model[1].weight
    )[0]
    model.eval()
    said = call(answer, model, x, y, torch.optim.SGD(model.parameters(), lr=0.5))
    moved = (before - model[1].weight.detach()) / 0.5
    why = _moved(
        torch, moved, {"right": right, "stale": right + stale, "old": stale, "softmax": twice}
    )
    if why:
        return why
    if isinstance(said, torch.Tensor):
        return "The step is right. Return the loss as a plain number: loss.item()."
    if not model.training:
        return "The step is right, but the model is still in eval mode: begin with model.train()."
    after = torch.nn.functional.cross_entropy(model(x), y).item()
    return number(
        said,
        loss.item(),
        {after: "That is the loss after the step. Return the one from before it."},
        1e-4,
    )


def _little_model(torch):
    return torch.nn.Sequential(torch.nn.Dropout(0.0), torch.nn.Linear(5, 3))


def _moved(torch, moved, gradients: dict) -> str:
    """Along which gradient did the weights move?"""
    messages = {
        "stale": "An old gradient was still in the weights, and yours was added to it: zero_grad() before backward().",
        "old": "The weights moved along an old gradient: backward() must come before step(), after zero_grad().",
        "softmax": "The loss saw probabilities. cross_entropy wants the model's logits: no softmax.",
    }
    near = {
        name: torch.allclose(moved, gradient, atol=1e-4) for name, gradient in gradients.items()
    }
    if near["right"]:
        return ""
    if not moved.any():
        return "The weights did not move. Is zero_grad() between backward() and step(), or step() missing?"
    if torch.allclose(moved, -gradients["right"], atol=1e-4):
        return "The weights moved uphill."
    known = [message for name, message in messages.items() if near[name]]
    return known[0] if known else "The weights moved, but not by one step along the gradient."


def _resume(answer) -> str:
    return choice(
        answer,
        "b",
        {
            "a": "state_dict holds the very bits of the weights; nothing is rounded.",
            "c": "eval() changes how layers behave, not what is saved.",
            "d": "The lesson's resumed run was the same to the last bit. What did it save besides?",
        },
    )


CHECKS = {"10.1": _accumulated_gradient, "10.2": _last_window, "10.3": _train_step, "10.4": _resume}
