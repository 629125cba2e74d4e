"""A library of 1,000 test cases in 50 folders against one of 100,000 in 5,000, page by page.

The public API of testcases runs in this process on a mongod of its own; what is measured is a
whole request, from the token to the last byte, without the network. Requests to the two libraries
alternate, so that whatever else the machine does meets both.
"""
