#![no_std] 
