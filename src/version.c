const char *millrace_src(void); const char *millrace_src(void) { return "0.1.0"; }
