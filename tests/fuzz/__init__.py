"""The fuzzers: any input, both doors, and a judge that knows the contract and none of the code."""
