"""Frozen networks that judge pictures of a face: does it speak in time, and which muscles does it show?"""
