"""Where assignments to Keras variables go no further than a block of code."""

import keras


class NestedScope(keras.StatelessScope):
    """A `keras.StatelessScope` that reads what it does not hold from the scope around it.

    Keras's own reads it from the variable itself: on JAX, within a compiled step, that is the value before the step.
    """

    def __init__(self, state_mapping=None):
        super().__init__(state_mapping)
        self._assigned = {}

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None and self.original_scope is not None:
            value = self.original_scope.get_current_value(variable)
        return value

    def add_update(self, update):
        super().add_update(update)
        self._assigned[id(update[0])] = update[0]

    def updates(self):
        """[(variable, value), ...] of what was assigned within this scope."""
        return [(variable, self.state_mapping[key]) for key, variable in self._assigned.items()]
