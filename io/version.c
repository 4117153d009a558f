const char *millrace_io(void);
const char *millrace_io(void)
{
    return "0.1.0";
}
