"""A practice provider: a server of its own, with its own store, that keeps the contract of Kakao Pay's payment API.

It imports nothing else of Dure, so what it holds is a second, independent truth about money.
"""
