const char *millrace_kernels(void); const char *millrace_kernels(void) { return "0.1.0"; }
