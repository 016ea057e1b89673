//! meeting
