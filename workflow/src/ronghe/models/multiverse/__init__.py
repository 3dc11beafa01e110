"""Every defensible specification of one question: declared as choices, estimated at once, judged as a whole."""
